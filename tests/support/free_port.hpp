#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kedit::test {

/// A port of this machine that nobody listens at right now.
inline std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  ::bind(probe, reinterpret_cast<const sockaddr*>(&address), bytes);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &bytes);
  ::close(probe);
  return ntohs(address.sin_port);
}

}  // namespace kedit::test
