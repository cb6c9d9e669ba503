#include "kernels/checks.hpp"
#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/launches.hpp"
#include "kernels/cuda/measure.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace kedit::kernels::cuda {
namespace {

constexpr std::int64_t kBeyondCache = std::int64_t{512} << 20;  // bytes that no card's cache holds
constexpr int kRepeats = 5;

// Small numbers in any type: the patterns 0x1000 .. 0x2FFF are of tiny positive values as two
// halves, two bfloat16 and one float32.
__global__ void fill_kernel(std::uint32_t* words, std::int64_t count, std::uint32_t seed) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    std::uint32_t hash = static_cast<std::uint32_t>(i) * 2654435761U + seed;
    hash ^= hash >> 15U;
    words[i] = 0x10001000U + (hash & 0x1FFF1FFFU);
  }
}

__global__ void copy_kernel(const uint4* from, uint4* to, std::int64_t count) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    __stcs(to + i, __ldcs(from + i));
  }
}

class Stream {
 public:
  Stream() { check(cudaStreamCreate(&stream_), "making a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "making an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// What `queue` puts on the stream, once, as a graph.
class Recorded {
 public:
  Recorded(cudaStream_t stream, const std::function<void()>& queue) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "recording launches");
    queue();
    check(cudaStreamEndCapture(stream, &graph_), "recording launches");
    check(cudaGraphInstantiate(&ready_, graph_, 0), "making a graph of launches");
  }
  ~Recorded() {
    if (ready_ != nullptr) cudaGraphExecDestroy(ready_);
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  double best_seconds() const {
    const Event begin, end;
    float best = 1e30F;
    for (int repeat = 0; repeat <= kRepeats; ++repeat) {  // the first one warms up
      check(cudaEventRecord(begin.get(), stream_), "timing");
      check(cudaGraphLaunch(ready_, stream_), "launching a graph");
      check(cudaEventRecord(end.get(), stream_), "timing");
      check(cudaEventSynchronize(end.get()), "waiting for the launches");
      float milliseconds = 0.0F;
      check(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()), "timing");
      if (repeat > 0) best = std::min(best, milliseconds);
    }
    return 1e-3 * static_cast<double>(best);
  }

 private:
  cudaStream_t stream_;
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t ready_ = nullptr;
};

DeviceBuffer random_buffer(std::size_t bytes, std::uint32_t seed) {
  DeviceBuffer buffer((bytes + 15) / 16 * 16);
  fill_kernel<<<1024, 256>>>(static_cast<std::uint32_t*>(buffer.data()),
                             static_cast<std::int64_t>((bytes + 3) / 4), seed);
  check(cudaGetLastError(), "filling a buffer");
  return buffer;
}

struct Bench {
  std::vector<DeviceBuffer> bases, outs, factors;
  std::vector<UpdateTerm> terms;

  Bench(std::size_t bytes, std::int64_t copies, std::int64_t rows, std::int64_t cols,
        std::int64_t rank, std::int64_t term_count) {
    std::uint32_t seed = 1;
    for (std::int64_t i = 0; i < copies; ++i) {
      bases.push_back(random_buffer(bytes, ++seed));
      outs.push_back(random_buffer(bytes, ++seed));
    }
    const auto factor = [&](std::int64_t count) {
      factors.push_back(random_buffer(static_cast<std::size_t>(count) * sizeof(float), ++seed));
      return static_cast<const float*>(factors.back().data());
    };
    for (std::int64_t i = 0; i < term_count; ++i) {
      UpdateTerm term;
      term.low_rank = {factor(rows * rank), factor(rank * cols), rank};
      terms.push_back(term);
    }
    check(cudaDeviceSynchronize(), "filling the buffers");
  }
};

}  // namespace

KeditCudaTimes time_update(WeightType type, std::int64_t rows, std::int64_t cols, std::int64_t rank,
                           std::int64_t terms) {
  const std::int64_t bytes = rows * cols * bytes_per_element(type);
  const std::int64_t copies = std::max<std::int64_t>(2, blocks_of(kBeyondCache, 2 * bytes));
  const Bench bench(static_cast<std::size_t>(bytes), copies, rows, cols, rank, terms);
  const auto planned = plan_passes(bench.terms, cols);
  const DeviceBuffer workspace(static_cast<std::size_t>(workspace_of(planned, rows, cols).bytes()));
  const Stream stream;
  const auto in_turn = [&](const std::function<void(const void*, void*)>& act) {
    const Recorded recorded(stream.get(), [&] {
      for (std::size_t i = 0; i < bench.bases.size(); ++i) {
        act(bench.bases[i].data(), bench.outs[i].data());
      }
    });
    return recorded.best_seconds() / static_cast<double>(copies);
  };
  KeditCudaTimes times{};
  times.update = in_turn([&](const void* base, void* out) {
    queue_update({base, out, type, rows, cols, nullptr, &bench.terms, workspace.data()},
                 stream.get());
  });
  const double by_runtime = in_turn([&](const void* base, void* out) {
    check(cudaMemcpyAsync(out, base, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice,
                          stream.get()),
          "copying a weight");
  });
  const double by_kernel = in_turn([&](const void* base, void* out) {
    copy_kernel<<<132 * 16, 512, 0, stream.get()>>>(static_cast<const uint4*>(base),
                                                    static_cast<uint4*>(out), bytes / 16);
    check(cudaGetLastError(), "copying a weight");
  });
  times.copy = std::min(by_runtime, by_kernel);
  return times;
}

}  // namespace kedit::kernels::cuda
