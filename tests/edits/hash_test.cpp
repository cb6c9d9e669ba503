#include "edits/hash.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

TEST_CASE("sha256_hex: digests equal the FIPS 180-2 examples") {
  // FIPS 180-2, appendix B.
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("Sha256: hashing in pieces equals hashing the whole text") {
  const std::string text(100000, 'a');
  Sha256 hash;
  for (std::size_t at = 0; at < text.size(); at += 777)
    hash.update(std::string_view(text).substr(at, 777));
  CHECK(hash.hex() == sha256_hex(text));
}
