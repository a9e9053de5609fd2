#pragma once
// Between the C ABI's structs, the wire's tables and the shared pages' records. Values are checked on the way in.

#include <memory>

#include "ferry/ferry.h"
#include "ferry_generated.h"
#include "platform/texture.h"
#include "platform/vulkan/device.h"
#include "proto/frame_record.h"
#include "proto/result.h"

namespace ferry::client {

wire::Uuid to_wire(const platform::Uuid& uuid);
platform::Uuid from_wire(const wire::Uuid& uuid);
std::shared_ptr<const proto::Conflict> from_wire(const wire::ConflictT& conflict);

/// kInvalidArgument names the field, its value and its limit.
proto::Result<wire::ImageT> to_wire(const ferry_image_desc& image);
/// A generation the broker describes, checked: kProtocolViolation names what is out of range.
proto::Result<platform::TextureDesc> texture_desc_of(const wire::GenerationT& generation);
platform::TextureLayout texture_layout_of(const wire::GenerationT& generation);

/// Writes what @p metadata says into @p record. @p width_px, @p height_px: the slot's. kInvalidArgument.
proto::Result<void> apply_metadata(const ferry_frame_metadata& metadata, std::uint32_t width_px, std::uint32_t height_px,
                                   proto::FrameRecord& record);
/// Record (already checked by frame_record_valid) to C.
void fill_metadata(const proto::FrameRecord& record, ferry_frame_metadata& out);

void fill_colour(const proto::Colour& colour, ferry_stream_state& out);

}  // namespace ferry::client
