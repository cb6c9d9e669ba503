#include "model/cuda_engine.hpp"

#include "model/device.hpp"
#include "model/model.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <string>

using namespace kedit;

TEST_CASE("CUDA engine: what is missing is said, the driver first") {
  if (load_cuda_engine().empty()) {
    kedit::test::skip_test("CUDA is there");
    return;
  }
  CHECK(contains(load_cuda_engine_from("libno-driver.so.1", "/nowhere/libtorch_cuda.so"),
                 "found no NVIDIA driver (libno-driver.so.1: cannot open"));
  CHECK(contains(load_cuda_engine_from("libm.so.6", "/nowhere/libtorch_cuda.so"),
                 "libm.so.6 is another library"));
  CHECK(contains(load_cuda_engine_from(KEDIT_DRIVER_STAND_IN, "/nowhere/libtorch_cuda.so"),
                 "could not be loaded (/nowhere/libtorch_cuda.so: cannot open"));
  CHECK(contains(load_cuda_engine_from(KEDIT_DRIVER_STAND_IN, "libm.so.6"),
                 "libm.so.6 brings no CUDA to LibTorch"));
}

TEST_CASE("CUDA engine: a CUDA device that is asked for says what is missing, auto does not") {
  if (load_cuda_engine().empty()) {
    kedit::test::skip_test("CUDA is there");
    return;
  }
  const std::string said = thrown_message<DeviceError>([] { parse_device("cuda"); });
  CHECK(said ==
        "opening device cuda: no such device: " + load_cuda_engine() + "; use --device cpu");
  CHECK(parse_device("auto").is_cpu());
  CHECK(cuda_device_count() == 0);
}

TEST_CASE("CUDA engine: TF32 is off unless asked for, whatever LibTorch's default", "[gpu]") {
  if (cuda_device_count() == 0) {
    kedit::test::skip_test("no CUDA device: " + load_cuda_engine());
    return;
  }
  const auto is_exact = [] {
    const at::Tensor ones = at::ones({64, 64}, at::Device(parse_device("cuda")));
    const at::Tensor fine = ones * (1.0 + 0x1p-14);  // more than TF32 holds
    return at::equal(at::mm(fine, ones), at::mm(fine.cpu(), ones.cpu()).to(fine.device()));
  };
  CHECK(is_exact());
  allow_tf32(true);
  parse_device("cuda");
  CHECK(at::globalContext().allowTF32CuBLAS());
  allow_tf32(false);
  CHECK(is_exact());
}
