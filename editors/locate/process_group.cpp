// LibTorch's library holds Gloo and its process group, but its headers leave Gloo's own out. The
// process group's header only ever points at Gloo's types, so that the declarations in
// editors/locate/gloo_names, which stand in for those headers, suffice.
#define USE_C10D_GLOO

#include "editors/locate/process_group.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <cstdlib>
#include <string_view>

namespace kedit::locate {
namespace {

using Patience = std::chrono::milliseconds;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The engine would write traces of its calls before this program can say in one sentence what is
// wrong. Whoever looks for a fault sets TORCH_CPP_LOG_LEVEL and has them.
class QuietEngine {
 public:
  QuietEngine() {
    if (environment("TORCH_CPP_LOG_LEVEL").empty()) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
  }
  ~QuietEngine() { FLAGS_caffe2_log_level = before_; }
  QuietEngine(const QuietEngine&) = delete;
  QuietEngine& operator=(const QuietEngine&) = delete;

 private:
  int before_ = FLAGS_caffe2_log_level;
};

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

[[noreturn]] void fail(const ProcessPlace& place, Patience patience, std::string_view act,
                       const std::exception& error) {
  const double seconds = std::chrono::duration<double>(patience).count();
  throw ProcessGroupError(fmt::format(
      "{}: process {} of {}, which meet at {}:{}: expected all of them within {:.3g} s, found one "
      "missing or gone ({}); start all again, those that were interrupted go on",
      act, place.rank, place.size, place.host, place.port, seconds, first_line(error.what())));
}

// On one machine the sums stay on it, whatever its name resolves to.
std::shared_ptr<gloo::transport::Device> device_for(const ProcessPlace& place) {
  const std::string interface = environment("GLOO_SOCKET_IFNAME");
  if (!interface.empty()) return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  if (place.host == "localhost" || place.host.rfind("127.", 0) == 0) {
    return c10d::ProcessGroupGloo::createDeviceForHostname(place.host);
  }
  return c10d::ProcessGroupGloo::createDefaultDevice();
}

}  // namespace

ProcessPlace ProcessPlace::among(std::int64_t rank, std::int64_t size) {
  ProcessPlace place;
  place.rank = rank;
  place.size = size;
  if (const std::string host = environment("MASTER_ADDR"); !host.empty()) place.host = host;
  const std::string port = environment("MASTER_PORT");
  if (port.empty()) return place;
  char* end = nullptr;
  const long number = std::strtol(port.c_str(), &end, 10);
  if (*end != '\0' || number < 1 || number > 65535) {
    throw ProcessGroupError(fmt::format(
        "joining the other processes: MASTER_PORT: expected a port from 1 to 65535, found {}",
        port));
  }
  place.port = static_cast<std::uint16_t>(number);
  return place;
}

struct ProcessGroup::Impl {
  ProcessPlace place;
  Patience patience;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
};

ProcessGroup::ProcessGroup(const ProcessPlace& place, Patience patience)
    : impl_(std::make_unique<Impl>(Impl{place, patience, nullptr, nullptr})) {
  const QuietEngine quiet;
  try {
    c10d::TCPStoreOptions meeting;
    meeting.port = place.port;
    meeting.isServer = place.rank == 0;
    meeting.numWorkers = static_cast<std::size_t>(place.size);
    meeting.timeout = patience;
    impl_->store = c10::make_intrusive<c10d::TCPStore>(place.host, meeting);
    const auto options = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(patience);
    options->devices.push_back(device_for(place));
    impl_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        impl_->store, static_cast<int>(place.rank), static_cast<int>(place.size), options);
  } catch (const std::exception& error) {
    fail(place, patience, "joining the other processes", error);
  }
}

ProcessGroup::~ProcessGroup() = default;

std::int64_t ProcessGroup::rank() const { return impl_->place.rank; }
std::int64_t ProcessGroup::size() const { return impl_->place.size; }

std::string ProcessGroup::from_first(const std::string& topic, const std::string& text) {
  const QuietEngine quiet;
  try {
    if (rank() == 0) impl_->store->set(topic, std::vector<std::uint8_t>(text.begin(), text.end()));
    impl_->store->wait({topic}, impl_->patience);
    const std::vector<std::uint8_t> said = impl_->store->get(topic);
    return {said.begin(), said.end()};
  } catch (const std::exception& error) {
    fail(impl_->place, impl_->patience, "asking the first process", error);
  }
}

void ProcessGroup::sum(const std::vector<at::Tensor>& tensors) {
  const QuietEngine quiet;
  try {
    for (const at::Tensor& tensor : tensors) {
      std::vector<at::Tensor> summed{tensor.to(at::kCPU).contiguous()};
      impl_->gloo->allreduce(summed)->wait();
      if (!summed.front().is_same(tensor)) tensor.copy_(summed.front());
    }
  } catch (const std::exception& error) {
    fail(impl_->place, impl_->patience, "adding up the key statistics of all processes", error);
  }
}

}  // namespace kedit::locate
