//! The graphics device: a hardware GPU if there is one, else software Vulkan, else OpenGL.

use std::sync::OnceLock;

use wgpu::wgt::WgpuHasDisplayHandle;
use wgpu::{Adapter, Backends, Device, DeviceType, Instance, Queue, Surface, SurfaceTarget};

use super::pyramid::device::PyramidPass;

/// An error of opening a graphics device.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// There is no adapter, or none that can draw into the window.
    #[error(
        "no graphics driver found: install one with Vulkan or OpenGL \
         (on Debian or Ubuntu, `apt-get install mesa-vulkan-drivers libegl1` draws on the CPU)"
    )]
    NoAdapter,
    /// The driver of the last adapter that was tried refused to create a device.
    #[error("the graphics driver {adapter} refused a device: {source}")]
    NoDevice {
        /// Name and backend of the adapter.
        adapter: String,
        /// The error of the driver.
        source: wgpu::RequestDeviceError,
    },
    /// The window cannot be drawn into.
    #[error("cannot draw into the window: {0}")]
    NoSurface(#[from] wgpu::CreateSurfaceError),
}

/// Greatest number of storage buffers that a pass of reductions or pyramids binds.
const STORAGE_BINDINGS: u32 = 5;

/// The processor that reduces values and builds pyramids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// All cores of the CPU.
    Cpu,
    /// Compute shaders on the graphics device.
    Gpu,
}

/// An open graphics device. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Gpu {
    /// The wgpu instance that the adapter and the surfaces of windows belong to.
    pub instance: Instance,
    /// The adapter of the device, for its name, backend and capabilities.
    pub adapter: Adapter,
    /// The logical device, with all limits of the adapter.
    pub device: Device,
    /// The command queue of the device.
    pub queue: Queue,
    /// Pipelines that build pyramids, compiled on first use.
    pub(super) pyramids: OnceLock<PyramidPass>,
}

impl Gpu {
    /// Opens a device without a window. The environment variable `WGPU_BACKEND` (`vulkan`, `gl`, `metal`,
    /// `dx12`) narrows the choice.
    ///
    /// # Errors
    ///
    /// When there is no adapter, or no adapter gives a device.
    pub fn headless() -> Result<Self, GpuError> {
        Self::best(instance(None), None)
    }

    /// Opens a device that can draw into a window; returns it with the surface of the window.
    ///
    /// # Errors
    ///
    /// When the window has no surface, or no adapter that can draw into it gives a device.
    pub fn for_window(
        display: Box<dyn WgpuHasDisplayHandle>,
        target: impl Into<SurfaceTarget<'static>>,
    ) -> Result<(Self, Surface<'static>), GpuError> {
        let instance = instance(Some(display));
        let surface = instance.create_surface(target)?;
        Ok((Self::best(instance, Some(&surface))?, surface))
    }

    fn best(instance: Instance, surface: Option<&Surface<'_>>) -> Result<Self, GpuError> {
        let mut adapters = pollster::block_on(instance.enumerate_adapters(backends()));
        adapters.retain(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)));
        adapters.sort_by_key(rank);
        let mut refusal = GpuError::NoAdapter;
        for adapter in adapters {
            let name = describe(&adapter.get_info());
            let request = adapter.request_device(&wgpu::DeviceDescriptor {
                label: Some("Gpu::device"),
                required_limits: adapter.limits(),
                ..Default::default()
            });
            match pollster::block_on(request) {
                Ok((device, queue)) => {
                    return Ok(Self { instance, adapter, device, queue, pyramids: OnceLock::new() });
                }
                Err(source) => refusal = GpuError::NoDevice { adapter: name, source },
            }
        }
        Err(refusal)
    }

    /// Returns name and backend of the adapter, for example `llvmpipe (LLVM 15.0.6, 256 bits), Vulkan`.
    pub fn describe(&self) -> String {
        describe(&self.adapter.get_info())
    }

    /// Returns `true` if the backend is OpenGL.
    pub fn is_opengl(&self) -> bool {
        self.adapter.get_info().backend == wgpu::Backend::Gl
    }

    /// Returns `true` if the adapter is a software rasteriser.
    pub fn is_software(&self) -> bool {
        is_software(&self.adapter.get_info())
    }

    /// Returns the processor that reduces values and builds pyramids fastest: the GPU, unless the adapter is a
    /// software one or lacks compute shaders or storage bindings.
    pub fn processor(&self) -> Processor {
        let computes =
            self.adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
        let bindings = self.device.limits().max_storage_buffers_per_shader_stage;
        if self.is_software() || !computes || bindings < STORAGE_BINDINGS {
            Processor::Cpu
        } else {
            Processor::Gpu
        }
    }

    /// Blocks until the device has executed all commands submitted so far.
    pub fn wait(&self) {
        if let Err(error) = self.device.poll(wgpu::PollType::wait_indefinitely()) {
            log::error!("waiting for the graphics device: {error}");
        }
    }
}

fn backends() -> Backends {
    Backends::from_env().unwrap_or(Backends::PRIMARY | Backends::GL)
}

fn instance(display: Option<Box<dyn WgpuHasDisplayHandle>>) -> Instance {
    Instance::new(wgpu::InstanceDescriptor {
        backends: backends(),
        flags: wgpu::InstanceFlags::default().with_env(),
        display,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
}

/// The sort key of an adapter, best first: by type of device, then by backend.
fn rank(adapter: &Adapter) -> (u8, u8) {
    let info = adapter.get_info();
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    };
    (kind, u8::from(info.backend == wgpu::Backend::Gl))
}

/// Returns `true` for a software rasteriser, by its device type or, since OpenGL reports none, by its name.
fn is_software(info: &wgpu::AdapterInfo) -> bool {
    const NAMES: [&str; 6] =
        ["llvmpipe", "softpipe", "lavapipe", "swiftshader", "swrast", "basic render driver"];
    let name = info.name.to_lowercase();
    info.device_type == DeviceType::Cpu || NAMES.iter().any(|software| name.contains(software))
}

fn describe(info: &wgpu::AdapterInfo) -> String {
    format!(
        "{}, {}",
        info.name,
        match info.backend {
            wgpu::Backend::Vulkan => "Vulkan",
            wgpu::Backend::Gl => "OpenGL",
            wgpu::Backend::Metal => "Metal",
            wgpu::Backend::Dx12 => "Direct3D 12",
            wgpu::Backend::BrowserWebGpu => "WebGPU",
            wgpu::Backend::Noop => "no backend",
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_is_known_by_type_or_name() {
        for (device_type, name, software) in [
            (DeviceType::Cpu, "anything", true),
            (DeviceType::Other, "llvmpipe (LLVM 15.0.6, 256 bits)", true),
            (DeviceType::Other, "Google SwiftShader", true),
            (DeviceType::Other, "Mesa Intel(R) UHD Graphics 620", false),
            (DeviceType::DiscreteGpu, "NVIDIA H100", false),
            (DeviceType::VirtualGpu, "Microsoft Basic Render Driver", true),
        ] {
            let mut info = wgpu::AdapterInfo::new(device_type, wgpu::Backend::Gl);
            info.name = name.to_owned();
            assert_eq!(is_software(&info), software, "{name}");
        }
    }
}
