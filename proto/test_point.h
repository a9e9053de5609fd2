#pragma once
// Named places where a test lets a process die or stop (tests/torture). In every other build they are nothing.

#ifdef FERRY_TEST_POINTS
#include <cstddef>
#include <span>

namespace ferry::proto {
/// Ends or stops this process when FERRY_TEST_POINT says so: "name:nth:signal" (tests/support/test_point.cpp).
void test_point(const char* name);
/// The same, by the type of the message in @p packet: "send.Attach.before".
void test_point_of_message(const char* what, std::span<const std::byte> packet, const char* when);
}  // namespace ferry::proto

#define FERRY_TEST_POINT(name) ::ferry::proto::test_point(name)
#define FERRY_TEST_POINT_OF_MESSAGE(what, packet, when) ::ferry::proto::test_point_of_message(what, packet, when)
#else
#define FERRY_TEST_POINT(name) static_cast<void>(0)
#define FERRY_TEST_POINT_OF_MESSAGE(what, packet, when) static_cast<void>(0)
#endif
