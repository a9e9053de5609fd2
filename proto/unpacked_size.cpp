#include "proto/unpacked_size.h"

#include <flatbuffers/reflection.h>

#include "ferry_bfbs_generated.h"

namespace ferry::proto {
namespace {

using reflection::BaseType;

const reflection::Schema& schema() {
  static const reflection::Schema* const parsed = reflection::GetSchema(wire::EnvelopeBinarySchema::data());
  return *parsed;
}

const reflection::Object& object_of(std::int32_t index) {
  return *schema().objects()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

class Purse {
 public:
  explicit Purse(std::size_t bytes) : left_(bytes) {}
  /// False when there is no more.
  bool pay(std::size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  std::size_t left_;
};

bool pay_for(const flatbuffers::Table& table, const reflection::Object& object, Purse& purse);

bool pay_for(const flatbuffers::String& text, Purse& purse) {
  return purse.pay(sizeof(flatbuffers::uoffset_t) + text.size() + 1);
}

bool pay_for_list(const flatbuffers::Table& table, const reflection::Field& field, Purse& purse) {
  const reflection::Type& type = *field.type();
  const auto& list = *table.GetPointer<const flatbuffers::VectorOfAny*>(field.offset());
  const std::size_t element_bytes = flatbuffers::GetTypeSizeInline(type.element(), type.index(), schema());
  if (!purse.pay(sizeof(flatbuffers::uoffset_t) + list.size() * element_bytes)) return false;
  if (type.element() == BaseType::String) {
    for (const auto* text : *table.GetPointer<const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>*>(field.offset()))
      if (!pay_for(*text, purse)) return false;
  } else if (type.element() == BaseType::Obj && !object_of(type.index()).is_struct()) {
    for (const auto* entry : *table.GetPointer<const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::Table>>*>(field.offset()))
      if (!pay_for(*entry, object_of(type.index()), purse)) return false;
  } else if (type.element() == BaseType::Union) {
    return false;  // the schema has none
  }
  return true;
}

bool pay_for_union(const flatbuffers::Table& table, const reflection::Field& field, Purse& purse) {
  const auto type_offset = static_cast<flatbuffers::voffset_t>(field.offset() - sizeof(flatbuffers::voffset_t));
  const auto member = table.GetField<std::uint8_t>(type_offset, 0);
  const auto& members = *schema().enums()->Get(static_cast<flatbuffers::uoffset_t>(field.type()->index()))->values();
  const auto* known = members.LookupByKey(static_cast<std::int64_t>(member));
  if (known == nullptr || member == 0) return true;  // it is not unpacked
  return pay_for(*table.GetPointer<const flatbuffers::Table*>(field.offset()), object_of(known->union_type()->index()), purse);
}

bool pay_for_field(const flatbuffers::Table& table, const reflection::Field& field, Purse& purse) {
  const reflection::Type& type = *field.type();
  if (!purse.pay(flatbuffers::GetTypeSizeInline(type.base_type(), type.index(), schema()))) return false;
  switch (type.base_type()) {
    case BaseType::String:
      return pay_for(*table.GetPointer<const flatbuffers::String*>(field.offset()), purse);
    case BaseType::Vector:
      return pay_for_list(table, field, purse);
    case BaseType::Union:
      return pay_for_union(table, field, purse);
    case BaseType::Obj:
      if (object_of(type.index()).is_struct()) return true;
      return pay_for(*table.GetPointer<const flatbuffers::Table*>(field.offset()), object_of(type.index()), purse);
    default:
      return true;
  }
}

bool pay_for(const flatbuffers::Table& table, const reflection::Object& object, Purse& purse) {
  if (!purse.pay(sizeof(flatbuffers::soffset_t))) return false;
  for (const reflection::Field* field : *object.fields())
    if (table.CheckField(field->offset()) && !pay_for_field(table, *field, purse)) return false;
  return true;
}

}  // namespace

bool unpacks_within(const wire::Envelope& envelope, std::size_t limit_bytes) {
  Purse purse(limit_bytes);
  return pay_for(reinterpret_cast<const flatbuffers::Table&>(envelope), *schema().root_table(), purse);
}

}  // namespace ferry::proto
