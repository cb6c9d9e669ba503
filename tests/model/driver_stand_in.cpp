// What kedit asks of a CUDA driver, on a machine with one device.
extern "C" {
int cuInit(unsigned) { return 0; }
int cuDeviceGetCount(int* count) {
  *count = 1;
  return 0;
}
}
