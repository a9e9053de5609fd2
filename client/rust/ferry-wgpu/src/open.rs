use crate::Interop;
use ash::vk::{self, Handle as _};
use ferry::{Connection, DeviceOptions, Error, ErrorKind, Result, VulkanHandles};
use wgpu::hal::api::Vulkan;
use wgpu::hal::vulkan::{Adapter, CreateDeviceCallbackArgs};

/// What a device is made with, beside what Ferry needs.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// A device UUID, an index, or a part of the name. Empty: the broker's default device.
    pub selector: String,
    pub features: wgpu::Features,
    pub limits: wgpu::Limits,
    /// wgpu's flags: validation, debugging.
    pub flags: wgpu::InstanceFlags,
}

/// A wgpu device with what Ferry needs.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub instance: wgpu::Instance,
    pub adapter: wgpu::Adapter,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub interop: Interop,
}

/// Opens the GPU that the broker uses.
pub fn open(connection: &Connection, options: &OpenOptions) -> Result<Gpu> {
    // The library knows how to choose; its own device goes again.
    let chosen =
        ferry::Device::create(connection, &DeviceOptions { selector: options.selector.clone(), ..Default::default() })?
            .info()?;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN,
        flags: options.flags,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
    let adapter =
        adapters.into_iter().find(|adapter| uuid_of(adapter) == Some(chosen.device_uuid)).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("wgpu has no Vulkan adapter for the device '{}'", chosen.name))
        })?;
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("ferry"),
        required_features: options.features,
        required_limits: options.limits.clone(),
        ..Default::default()
    };
    let refused = |error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Unsupported, format!("no wgpu device on '{}': {error}", chosen.name))
    };
    // SAFETY: the callback only adds extensions that the physical device has.
    let (device, queue) = unsafe {
        let hal = adapter.as_hal::<Vulkan>().expect("only Vulkan adapters were asked for");
        let opened = hal
            .open_with_callback(
                descriptor.required_features,
                &descriptor.required_limits,
                &descriptor.memory_hints,
                Some(Box::new(|mut args| add_extensions(&mut args, &hal))),
            )
            .map_err(|error| refused(&error))?;
        adapter.create_device_from_hal::<Vulkan>(opened, &descriptor).map_err(|error| refused(&error))?
    };
    let interop = Interop::new(connection, &device, &queue)?;
    Ok(Gpu { instance, adapter, device, queue, interop })
}

/// Adds the extensions that Ferry needs and this physical device has: for wgpu's `open_with_callback`, and for Bevy's
/// `RawVulkanInitSettings`.
pub fn add_extensions(args: &mut CreateDeviceCallbackArgs<'_, '_, '_>, adapter: &Adapter) {
    let handles = handles_of(adapter);
    // SAFETY: the adapter's handles, which live as long as it.
    let Ok(extensions) = (unsafe { ferry::Device::requirements(&handles) }) else {
        return; // no transport on this device: Interop::new() says why
    };
    for extension in extensions {
        if !args.extensions.contains(&extension) {
            args.extensions.push(extension);
        }
    }
}

fn handles_of(adapter: &Adapter) -> VulkanHandles {
    let instance = adapter.shared_instance();
    VulkanHandles {
        instance: instance.raw_instance().handle().as_raw() as _,
        physical_device: adapter.raw_physical_device().as_raw() as _,
        device: std::ptr::null_mut(),
        queue_family_index: 0,
        // SAFETY: the same function of Vulkan, as two crates declare it.
        get_instance_proc_addr: unsafe {
            std::mem::transmute::<vk::PFN_vkGetInstanceProcAddr, ferry::sys::PfnGetInstanceProcAddr>(
                instance.entry().static_fn().get_instance_proc_addr,
            )
        },
    }
}

fn uuid_of(adapter: &wgpu::Adapter) -> Option<[u8; 16]> {
    // SAFETY: a query of a living physical device; Vulkan 1.1 has it, and wgpu asks for 1.1 or newer.
    unsafe {
        let hal = adapter.as_hal::<Vulkan>()?;
        let mut id = vk::PhysicalDeviceIDProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut id);
        hal.shared_instance()
            .raw_instance()
            .get_physical_device_properties2(hal.raw_physical_device(), &mut properties);
        Some(id.device_uuid)
    }
}

/// wgpu's native adapters are ready at once: its futures are for the web.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => unreachable!("wgpu's native backends answer at once"),
    }
}
