#include "daemon/kept_entry.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "proto/alignment.h"
#include "proto/limits.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

using Kind = KeptName::Kind;

constexpr std::pair<Kind, std::string_view> kPrefixes[] = {{Kind::kStream, "ferry-stream-"},
                                                           {Kind::kGeneration, "ferry-generation-"},
                                                           {Kind::kLease, "ferry-lease-"}};
/// A party's list of what its device lacks is the only list of tables.
constexpr flatbuffers::uoffset_t kMaxTables = 64, kMaxDepth = 16;

bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

Error violation(std::string why) { return {ErrorCode::kProtocolViolation, std::move(why)}; }

/// Of what has one.
bool lists_are_aligned(const kept::Entry& entry) {
  if (const auto* stream = entry.body_as_Stream())
    return stream->claim() == nullptr || proto::lists_are_aligned(stream->claim()->device());
  if (const auto* generation = entry.body_as_Generation())
    return generation->part() == nullptr || proto::lists_are_aligned(generation->part()->generation());
  return proto::lists_are_aligned(entry.body_as_Lease()->device());
}

/// The number of descriptors beside it, by the comments of kept.fbs; nothing for one that lacks what it is about.
std::optional<std::size_t> descriptor_count(const kept::EntryT& entry) {
  if (const auto* stream = entry.body.AsStream()) {
    if (!stream->claim) return std::nullopt;
    return 2;
  }
  if (const auto* generation = entry.body.AsGeneration()) {
    if (!generation->part || !generation->part->generation) return std::nullopt;
    const wire::GenerationT& info = *generation->part->generation;
    return std::size_t{info.slot_count} + (info.has_timeline ? 1 : 0);
  }
  const auto* lease = entry.body.AsLease();
  if (lease == nullptr || !lease->part) return std::nullopt;
  return lease->part->has_release_timeline ? 2 : 1;
}

}  // namespace

std::string to_string(const KeptName& name) {
  for (const auto& [kind, prefix] : kPrefixes)
    if (kind == name.kind) return fmt::format("{}{}.{}", prefix, raw(name.stream), name.part);
  return {};
}

std::optional<KeptName> parse_kept_name(std::string_view text) {
  for (const auto& [kind, prefix] : kPrefixes) {
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    std::uint64_t stream = 0, part = 0;
    if (!take_number(text, stream) || !text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
    if (!take_number(text, part) || !text.empty()) return std::nullopt;
    return KeptName{kind, proto::StreamId{stream}, part};
  }
  return std::nullopt;
}

std::vector<std::byte> encode_kept(kept::BodyUnion body) {
  kept::EntryT entry;
  entry.body = std::move(body);
  flatbuffers::FlatBufferBuilder builder(1024);
  kept::FinishEntryBuffer(builder, kept::Entry::Pack(builder, &entry));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {bytes, bytes + builder.GetSize()};
}

Result<std::unique_ptr<kept::EntryT>> decode_kept(std::span<const std::byte> bytes, std::size_t fds) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size(), kMaxDepth, kMaxTables);
  if (bytes.size() > proto::kMaxMessageBytes || bytes.size() < 12 || !kept::VerifyEntryBuffer(verifier))
    return violation(fmt::format("{} bytes that are not a well-formed entry", bytes.size()));
  const auto* entry = kept::GetEntry(data);
  if (entry->body_type() == kept::Body::NONE || entry->body_type() > kept::Body::MAX || entry->body() == nullptr)
    return violation(fmt::format("an entry of kind {}, which is not known", static_cast<int>(entry->body_type())));
  if (!lists_are_aligned(*entry)) return violation("an entry with a list that does not lie where its numbers can be read");
  std::unique_ptr<kept::EntryT> unpacked(entry->UnPack());
  const auto wanted = descriptor_count(*unpacked);
  if (!wanted) return violation(fmt::format("a {} that says nothing", kept::EnumNameBody(unpacked->body.type)));
  if (*wanted != fds)
    return violation(fmt::format("{} descriptors beside a {} that has {}", fds, kept::EnumNameBody(unpacked->body.type),
                                 *wanted));
  return unpacked;
}

}  // namespace ferry::daemon
