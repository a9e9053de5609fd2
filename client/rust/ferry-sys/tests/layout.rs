//! Compiles a C program against ferry.h and compares what C says with what Rust says: sizes, offsets, constants. And
//! nothing that the header declares is missing here.

mod header;

use header::Header;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What Rust says, and a C program that prints the same lines.
#[derive(Default)]
struct Facts {
    rust: BTreeMap<String, i128>,
    c_lines: String,
}

impl Facts {
    fn add(&mut self, c_expression: &str, value: i128) {
        self.rust.insert(c_expression.to_owned(), value);
        self.c_lines += &format!("  printf(\"{c_expression}=%lld\\n\", (long long)({c_expression}));\n");
    }
}

macro_rules! layout {
    ($facts:ident, $($c:literal = $rust:ident { $($field:ident)* })*) => {$(
        $facts.add(concat!("sizeof(", $c, ")"), size_of::<ferry_sys::$rust>() as i128);
        $($facts.add(
            concat!("offsetof(", $c, ", ", stringify!($field), ")").replace("r#", "").as_str(),
            std::mem::offset_of!(ferry_sys::$rust, $field) as i128,
        );)*
    )*};
}

macro_rules! constants {
    ($facts:ident, $($name:ident)*) => {$(
        $facts.add(concat!("FERRY_", stringify!($name)), ferry_sys::$name as i128);
    )*};
}

fn facts() -> Facts {
    let mut facts = Facts::default();
    layout! { facts,
        "ferry_rect" = Rect { x_px y_px width_px height_px }
        "ferry_conflict" = Conflict { struct_size reserved party constraint party_has others_have }
        "ferry_connect_info" = ConnectInfo { struct_size reserved socket_path application timeout_ns }
        "ferry_vulkan_info" = VulkanInfo {
            struct_size queue_family_index instance physical_device device get_instance_proc_addr
        }
        "ferry_vulkan_requirements" = VulkanRequirements {
            struct_size api_version device_extension_count timeline_semaphore device_extensions
        }
        "ferry_device_create_info" = DeviceCreateInfo {
            struct_size enable_validation connection selector instance_extension_count device_extension_count
            instance_extensions device_extensions device_features
        }
        "ferry_device_info" = DeviceInfo {
            struct_size queue_family_index instance physical_device device queue get_instance_proc_addr device_uuid
            driver_uuid name is_software can_timeline validation_errors
        }
        "ferry_image_desc" = ImageDesc {
            struct_size width_px height_px format usage flags primaries transfer range alpha reserved
        }
        "ferry_frame_metadata" = FrameMetadata {
            struct_size orientation alpha primaries transfer range present_ns crop damage_count user_size_bytes damage
            red_xy green_xy blue_xy white_xy max_luminance min_luminance max_content_light max_frame_average_light user
            reserved
        }
        "ferry_stream_info" = StreamInfo {
            struct_size sync_mode name image queue_policy frames_in_flight min_slots transport
        }
        "ferry_target" = Target {
            struct_size slot generation id image view vk_format format width_px height_px wait_count reserved
            wait_semaphores wait_values signal_semaphore signal_value peer_queue_family reserved2
        }
        "ferry_stream_state" = StreamState {
            struct_size sync_mode generation frames slot_count consumer_count width_px height_px format connected
            starved transport sync_reason transport_reason primaries transfer range alpha
        }
        "ferry_attach_info" = AttachInfo { struct_size mode name max_holds queue_depth timeout_ns }
        "ferry_frame" = Frame {
            struct_size slot generation sequence skipped produced_ns image view vk_format format width_px height_px
            wait_semaphore wait_value signal_semaphore signal_value metadata peer_queue_family reserved2
        }
        "ferry_dma_buf_plane" = DmaBufPlane { offset_bytes row_pitch_bytes }
        "ferry_dma_buf" = DmaBuf { struct_size fd modifier size_bytes plane_count reserved planes }
        "ferry_own_slots" = OwnSlots { struct_size count flags reserved slots }
        "ferry_event" = Event { struct_size r#type generation width_px height_px format slot_count reason }
    }
    constants! { facts,
        VERSION_MAJOR VERSION_MINOR VERSION_PATCH
        OK ERROR_INVALID_ARGUMENT ERROR_INVALID_STATE ERROR_STALE_HANDLE ERROR_TIMEOUT ERROR_WOULD_BLOCK
        ERROR_NO_BROKER ERROR_DISCONNECTED ERROR_VERSION_MISMATCH ERROR_PERMISSION_DENIED ERROR_NOT_FOUND
        ERROR_NAME_TAKEN ERROR_LIMIT_EXCEEDED ERROR_INCOMPATIBLE ERROR_UNSUPPORTED ERROR_STREAM_CLOSED ERROR_EVICTED
        ERROR_DEVICE_LOST ERROR_OUT_OF_MEMORY ERROR_PROTOCOL_VIOLATION ERROR_SYSTEM ERROR_INTERNAL
        FORMAT_RGBA8_UNORM FORMAT_RGBA8_SRGB FORMAT_BGRA8_UNORM FORMAT_BGRA8_SRGB FORMAT_RGB10A2_UNORM
        FORMAT_RGBA16_FLOAT FORMAT_NV12 FORMAT_P010
        USAGE_RENDER USAGE_SAMPLE USAGE_STORAGE USAGE_TRANSFER_SRC USAGE_TRANSFER_DST IMAGE_SRGB_VIEWS
        ORIENTATION_NORMAL ORIENTATION_MIRRORED ORIENTATION_ROTATED_180 ORIENTATION_FLIPPED ORIENTATION_TRANSPOSED
        ORIENTATION_ROTATED_90 ORIENTATION_TRANSVERSED ORIENTATION_ROTATED_270
        ALPHA_OPAQUE ALPHA_PREMULTIPLIED ALPHA_STRAIGHT PRIMARIES_BT709 PRIMARIES_DISPLAY_P3 PRIMARIES_BT2020
        TRANSFER_SRGB TRANSFER_LINEAR TRANSFER_PQ TRANSFER_HLG TRANSFER_GAMMA22 RANGE_FULL RANGE_LIMITED
        MAX_DAMAGE_RECTS MAX_USER_BYTES
        SYNC_AUTOMATIC SYNC_TIMELINE SYNC_HOST SYNC_FD TRANSPORT_AUTOMATIC TRANSPORT_OPAQUE_FD
        TRANSPORT_DMA_BUF TRANSPORT_HOST_MEMORY QUEUE_DROP QUEUE_BLOCK CONSUMER_LATEST CONSUMER_EVERY
        RELEASE_SIGNALLED RELEASE_UNUSED RELEASE_IMPLICIT OWN_IMPLICIT_FENCES EXPORT_FENCE
        EVENT_GENERATION EVENT_ORPHANED EVENT_RESUMED EVENT_CLOSED EVENT_EVICTED EVENT_BROKER_LOST
        EVENT_GENERATION_FAILED EVENT_BROKER_BACK
    }
    facts
}

#[test]
fn agrees_with_the_header() {
    let facts = facts();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = folder.join("layout.c");
    let program = folder.join("layout");
    std::fs::write(
        &source,
        format!("#include <ferry/ferry.h>\n#include <stdio.h>\nint main(void) {{\n{}  return 0;\n}}\n", facts.c_lines),
    )
    .unwrap();
    let compiled = Command::new("cc")
        .arg("-I")
        .arg(header::folder())
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status()
        .expect("cc runs");
    assert!(compiled.success(), "the C compiler refused {}", source.display());
    let printed = Command::new(&program).output().unwrap();
    assert!(printed.status.success());

    let c: BTreeMap<String, i128> = String::from_utf8(printed.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let (name, value) = line.rsplit_once('=').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect();
    assert!(!c.is_empty());
    for (name, rust) in &facts.rust {
        assert_eq!(*rust, c[name], "{name}: Rust on the left, C on the right");
    }
}

#[test]
fn nothing_of_the_header_is_missing() {
    let header = Header::read();
    let ours = include_str!("../src/functions.rs").split("pub fn ").skip(1);
    let ours: BTreeMap<_, _> = ours.filter_map(|rest| header::parse_function(rest.split_once(';')?.0)).collect();
    assert!(header.functions().len() > 20, "{:?}", header.functions());
    assert_eq!(ours, header.functions(), "functions and their parameters: Rust on the left, C on the right");

    let facts = facts().rust;
    assert!(header.structs().len() > 10, "{:?}", header.structs());
    for (name, fields) in header.structs() {
        assert!(facts.contains_key(&format!("sizeof({name})")), "{name} is missing");
        for field in fields {
            assert!(facts.contains_key(&format!("offsetof({name}, {field})")), "{name}.{field} is missing");
        }
    }
    assert!(header.constants().len() > 60, "{:?}", header.constants());
    for name in header.constants() {
        assert!(facts.contains_key(&name), "{name} is missing");
    }
}
