use crate::format::{sibling, texture_format};
use ash::vk::{self, Handle as _};
use ferry::{Error, ErrorKind, Format, Result};
use std::collections::HashMap;
use std::sync::Arc;
use wgpu::hal::api::Vulkan;

/// What a slot's texture is made from.
pub(crate) struct SlotImage {
    pub generation: u64,
    pub slot: u32,
    pub image: u64,
    pub size_px: (u32, u32),
    pub format: Option<Format>,
}

/// The textures of the slots seen so far, made once each.
#[derive(Debug)]
pub(crate) struct Slots {
    usage: wgpu::TextureUsages,
    srgb_views: bool,
    textures: HashMap<(u64, u32), Arc<wgpu::Texture>>,
}

impl Slots {
    pub fn new(usage: wgpu::TextureUsages, srgb_views: bool) -> Self {
        Self { usage, srgb_views, textures: HashMap::new() }
    }

    pub fn set_srgb_views(&mut self, srgb_views: bool) {
        self.srgb_views = srgb_views;
    }

    /// The slot's texture, and whether it is new.
    pub fn texture(&mut self, device: &wgpu::Device, slot: &SlotImage) -> Result<(Arc<wgpu::Texture>, bool)> {
        let key = (slot.generation, slot.slot);
        if let Some(texture) = self.textures.get(&key) {
            return Ok((texture.clone(), false));
        }
        let texture = Arc::new(import(device, slot, self.usage, self.srgb_views)?);
        self.textures.insert(key, texture.clone());
        Ok((texture, true))
    }

    /// Ends the use of everything older than `generation` that nobody is `in_use`: whoever kept a clone gets wgpu's
    /// validation error from now on, not a dangling image.
    pub fn retire_before(&mut self, generation: u64, in_use: impl Fn(u64) -> bool) {
        self.textures.retain(|(of, _), texture| {
            let keep = *of >= generation || in_use(*of);
            if !keep {
                texture.destroy();
            }
            keep
        });
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.retire_before(u64::MAX, |_| false);
    }
}

fn import(
    device: &wgpu::Device,
    slot: &SlotImage,
    usage: wgpu::TextureUsages,
    srgb_views: bool,
) -> Result<wgpu::Texture> {
    let format = slot.format.map(texture_format).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the stream has a format that this version of the crate does not know")
    })?;
    let size = wgpu::Extent3d { width: slot.size_px.0, height: slot.size_px.1, depth_or_array_layers: 1 };
    let view_formats: Vec<_> = sibling(format).filter(|_| srgb_views).into_iter().collect();
    let label = format!("ferry generation {} slot {}", slot.generation, slot.slot);
    let descriptor = wgpu::TextureDescriptor {
        label: Some(&label),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &view_formats,
    };
    let hal_descriptor = wgpu::hal::TextureDescriptor {
        label: Some(&label),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: uses_of(usage),
        memory_flags: wgpu::hal::MemoryFlags::empty(),
        view_formats: view_formats.clone(),
    };
    // SAFETY: the image is Ferry's (memory and all), of this device and this shape. It outlives the texture's use: see
    // retire_before().
    unsafe {
        let hal = device.as_hal::<Vulkan>().expect("Interop is made for Vulkan only");
        let texture = hal.texture_from_raw(
            vk::Image::from_raw(slot.image),
            &hal_descriptor,
            Some(Box::new(|| ())), // Ferry destroys the image
            wgpu::hal::vulkan::TextureMemory::External,
        );
        Ok(device.create_texture_from_hal::<Vulkan>(texture, &descriptor))
    }
}

fn uses_of(usage: wgpu::TextureUsages) -> wgpu::wgt::TextureUses {
    use wgpu::TextureUsages as Usages;
    use wgpu::wgt::TextureUses as Uses;
    [
        (Usages::COPY_SRC, Uses::COPY_SRC),
        (Usages::COPY_DST, Uses::COPY_DST),
        (Usages::TEXTURE_BINDING, Uses::RESOURCE),
        (Usages::RENDER_ATTACHMENT, Uses::COLOR_TARGET),
    ]
    .into_iter()
    .filter(|(wanted, _)| usage.contains(*wanted))
    .fold(Uses::empty(), |all, (_, uses)| all | uses)
}
