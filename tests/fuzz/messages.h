#pragma once
// What clients say, made of a fuzzer's bytes: mostly what somebody could mean, and now and then what nobody does.

#include <cstdint>
#include <memory>
#include <string>

#include "ferry_generated.h"
#include "tests/fuzz/input.h"

namespace ferry::fuzz {

std::string some_name(Input& input);
/// @p number: what the broker's device calls itself; a peer that lies about it gets nowhere.
std::unique_ptr<wire::DeviceT> some_device(Input& input, std::uint8_t number);
std::unique_ptr<wire::GenerationT> some_generation(Input& input);
/// A part of what an earlier broker gave out, or the claim that uses parts up.
wire::BodyUnion some_hand_back(Input& input, std::uint8_t device_number);
/// Any message that a client may send.
wire::BodyUnion some_request(Input& input, std::uint8_t device_number);

}  // namespace ferry::fuzz
