#pragma once
// Opaque handles that can be checked: a handle is an index and a number that is never used again, dressed up as a
// pointer. A destroyed handle, a foreign pointer or a handle of another kind is told apart without touching memory
// that is not ours. Looking one up takes no lock and makes no system call.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace ferry::client {

enum class HandleKind : std::uintptr_t { kConnection = 1, kDevice = 2, kProducer = 3, kConsumer = 4 };

template <class T, HandleKind kKind>
class HandleTable {
 public:
  using Object = T;

  HandleTable() = default;
  /// What is still in it is its owner's to end; libferry's own tables are never destroyed.
  ~HandleTable() {
    for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
  }
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  /// Takes @p object. Returns the handle's value, 0 when the table is full.
  std::uintptr_t insert(std::unique_ptr<T> object) {
    std::lock_guard lock(mutex_);
    std::uint32_t index = 0;
    if (!free_.empty()) {
      index = free_.back();
      free_.pop_back();
    } else {
      if (used_ == kMaxHandles) return 0;
      index = used_++;
      auto& chunk = chunks_[index / kChunkSize];
      if (chunk.load(std::memory_order_relaxed) == nullptr) chunk.store(new Chunk{}, std::memory_order_release);
    }
    Entry& entry = *entry_at(index);
    entry.object.store(object.release(), std::memory_order_relaxed);
    const std::uint64_t number = ++last_number_;
    // PAIR handle-entry: the object is there before the number that find() compares.
    entry.number.store(number, std::memory_order_release);
    return static_cast<std::uintptr_t>(number << kNumberShift | std::uint64_t{index} << kIndexShift |
                                       static_cast<std::uint64_t>(kKind));
  }

  /// nullptr for anything that is not a live handle of this kind.
  T* find(const void* handle) const {
    Entry* entry = match(handle);
    return entry == nullptr ? nullptr : entry->object.load(std::memory_order_relaxed);
  }

  /// Ends the handle and gives its object back; nullptr for anything that is not a live handle of this kind.
  std::unique_ptr<T> remove(const void* handle) {
    std::lock_guard lock(mutex_);
    Entry* entry = match(handle);
    if (entry == nullptr) return nullptr;
    entry->number.store(0, std::memory_order_release);
    free_.push_back(index_of(handle));
    return std::unique_ptr<T>(entry->object.exchange(nullptr));
  }

 private:
  static constexpr std::uint32_t kChunkSize = 256, kChunks = 256, kMaxHandles = kChunkSize * kChunks;
  static constexpr int kIndexShift = 4, kNumberShift = 20;

  struct Entry {
    std::atomic<std::uint64_t> number{0};
    std::atomic<T*> object{nullptr};
  };
  using Chunk = std::array<Entry, kChunkSize>;

  static std::uint32_t index_of(const void* handle) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(handle) >> kIndexShift) & (kMaxHandles - 1);
  }
  Entry* entry_at(std::uint32_t index) const {
    Chunk* chunk = chunks_[index / kChunkSize].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &(*chunk)[index % kChunkSize];
  }
  Entry* match(const void* handle) const {
    const auto value = reinterpret_cast<std::uintptr_t>(handle);
    if ((value & 0xf) != static_cast<std::uintptr_t>(kKind)) return nullptr;
    Entry* entry = entry_at(index_of(handle));
    const std::uint64_t number = value >> kNumberShift;
    if (entry == nullptr || number == 0) return nullptr;
    // PAIR handle-entry.
    return entry->number.load(std::memory_order_acquire) == number ? entry : nullptr;
  }

  std::mutex mutex_;
  std::array<std::atomic<Chunk*>, kChunks> chunks_{};  // not freed earlier: a stale handle may be asked about
  std::vector<std::uint32_t> free_;
  std::uint32_t used_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace ferry::client
