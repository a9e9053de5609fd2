use crate::Interop;
use crate::format::{check, sibling, texture_format};
use ash::vk::{self, Handle as _};
use ferry::{Error, ErrorKind, Format, Result, Usage};
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

/// What textures are made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    pub usage: wgpu::TextureUsages,
    pub srgb_views: bool,
}

impl Purpose {
    pub const READING: Self =
        Self { usage: wgpu::TextureUsages::TEXTURE_BINDING.union(wgpu::TextureUsages::COPY_SRC), srgb_views: false };

    /// What the stream's images were made for, no more: Vulkan takes no image for what it was not made for.
    pub fn of(image: &ferry::ImageDesc) -> Self {
        let always = Self::READING.usage | wgpu::TextureUsages::COPY_DST;
        let usage = match image.usage {
            Usage::Render => always | wgpu::TextureUsages::RENDER_ATTACHMENT,
            Usage::RenderAndStorage => {
                always | wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::STORAGE_BINDING
            }
            Usage::TransferOnly => always,
        };
        Self { usage, srgb_views: image.srgb_views }
    }
}

/// The textures of the slots seen so far, made once each. Dropped before the images that they stand on.
#[derive(Debug)]
pub(crate) struct Slots {
    interop: Interop,
    purpose: Purpose,
    textures: HashMap<(u64, u32), Arc<wgpu::Texture>>,
}

impl Slots {
    pub fn new(interop: &Interop, purpose: Purpose) -> Self {
        Self { interop: interop.clone(), purpose, textures: HashMap::new() }
    }

    pub fn set_purpose(&mut self, purpose: Purpose) {
        self.purpose = purpose;
    }

    /// The slot's texture, and whether it is new.
    pub fn texture(&mut self, slot: &SlotImage) -> Result<(Arc<wgpu::Texture>, bool)> {
        let key = (slot.generation, slot.slot);
        if let Some(texture) = self.textures.get(&key) {
            return Ok((texture.clone(), false));
        }
        let texture = Arc::new(import(&self.interop.device, slot, self.purpose)?);
        self.textures.insert(key, texture.clone());
        Ok((texture, true))
    }

    /// Ends the use of everything older than `generation` that nobody is `in_use`. Whoever kept a clone gets wgpu's
    /// validation error from now on, not a dangling image; what was submitted with it has ended when this returns.
    pub fn retire_before(&mut self, generation: u64, in_use: impl Fn(u64) -> bool) -> Result<()> {
        let before = self.textures.len();
        self.textures.retain(|(of, _), texture| {
            let keep = *of >= generation || in_use(*of);
            if !keep {
                texture.destroy();
            }
            keep
        });
        // libferry knows when the GPU is through with what was published, and nothing of clones.
        if self.textures.len() == before { Ok(()) } else { self.interop.wait_until_done(None) }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        _ = self.retire_before(u64::MAX, |_| false);
    }
}

fn import(device: &wgpu::Device, slot: &SlotImage, Purpose { usage, srgb_views }: Purpose) -> Result<wgpu::Texture> {
    let format = slot.format.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the stream has a format that this version of the crate does not know")
    })?;
    check(format)?;
    let format = texture_format(format);
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
        (Usages::STORAGE_BINDING, Uses::STORAGE_READ_ONLY | Uses::STORAGE_WRITE_ONLY | Uses::STORAGE_READ_WRITE),
    ]
    .into_iter()
    .filter(|(wanted, _)| usage.contains(*wanted))
    .fold(Uses::empty(), |all, (_, uses)| all | uses)
}
