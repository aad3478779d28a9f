//! The window: winit's events in, panels and scene out. Nothing here waits for files.

mod columns;
mod dispatch;
mod event;
mod files;
mod follow;
mod frame;
mod history;
pub(crate) mod insights;
mod loader;
pub mod offscreen;
mod paint;
mod panels;
mod run;
mod session;
mod settings;
mod state;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egui_winit::accesskit_winit;
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use winit::window::{Fullscreen, Window, WindowId};

use self::event::{AppEvent, EventSender};
pub use self::files::read_view;
use self::paint::surface::WindowSurface;
pub use self::run::names;
use self::settings::Settings;
use self::state::AppState;
use crate::format::watch::RunWatcher;
use crate::model::workspace::Workspace;
use crate::ui::style;

/// Size of a fresh window, in points.
const SIZE: LogicalSize<f64> = LogicalSize::new(1280.0, 800.0);

/// How the window ended.
pub enum WindowExit {
    /// It was closed.
    Closed,
    /// There was no display to open it on; why.
    NoDisplay(String),
}

/// Opens a window on some runs side by side, be they there already or not, and stays until it is closed.
/// What is written of them meanwhile is shown as it comes. With a `workspace`, the `paths` are those of
/// its runs, and they are looked at as it says.
///
/// # Errors
/// When no graphics driver can draw into a window, or when what is there will never be a recording, in
/// any of the places: then the window closes at once.
pub fn run(paths: Vec<PathBuf>, workspace: Option<Workspace>) -> Result<WindowExit> {
    let event_loop = match EventLoop::<AppEvent>::with_user_event().build() {
        Ok(event_loop) => event_loop,
        Err(error) => {
            // Without the place in winit's source that its text begins with.
            let text = error.to_string();
            let reason = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches('.');
            return Ok(WindowExit::NoDisplay(reason.to_owned()));
        }
    };
    let proxy = event_loop.create_proxy();
    let access = proxy.clone();
    let send: EventSender = Arc::new(move |event| {
        // A closed window has no use for what was still being read.
        let _ = proxy.send_event(event);
    });
    let watches = follow::all(&paths, &send);
    let mut app = App { paths, watches, workspace, send, access, window: None, failure: None, wake: None };
    event_loop.run_app(&mut app)?;
    app.failure.map_or(Ok(WindowExit::Closed), Err)
}

struct App {
    paths: Vec<PathBuf>,
    watches: Vec<RunWatcher>,
    workspace: Option<Workspace>,
    send: EventSender,
    /// For whoever reads the window to those who cannot see it.
    access: EventLoopProxy<AppEvent>,
    window: Option<AppWindow>,
    /// Why there is nothing to show.
    failure: Option<anyhow::Error>,
    /// When the next frame is due although nothing happens.
    wake: Option<Instant>,
}

/// The window and what belongs to it.
struct AppWindow {
    window: Arc<Window>,
    input: egui_winit::State,
    state: AppState,
    surface: WindowSurface,
    title: String,
    occluded: bool,
}

impl AppWindow {
    fn new(event_loop: &ActiveEventLoop, app: &mut App) -> Result<Self> {
        let attributes =
            Window::default_attributes().with_title("dnnviz").with_inner_size(SIZE).with_visible(false);
        let window = Arc::new(event_loop.create_window(attributes).context("the display refused a window")?);
        let surface = WindowSurface::new(Arc::clone(&window), event_loop.owned_display_handle())?;
        let ctx = egui::Context::default();
        style::install_fonts(&ctx);
        let settings = Settings::load();
        style::install_style(&ctx, settings.theme);
        ctx.set_zoom_factor(settings.zoom);
        let mut input = egui_winit::State::new(
            ctx.clone(),
            egui::ViewportId::ROOT,
            event_loop,
            Some(window.scale_factor() as f32),
            None,
            Some(surface.max_texture_side()),
        );
        input.init_accesskit(event_loop, &window, app.access.clone());
        window.set_visible(true);
        let watches = std::mem::take(&mut app.watches);
        let gpu = Arc::clone(&surface.painter.gpu);
        let mut state = AppState::new(&app.paths, watches, gpu, Arc::clone(&app.send), Some(settings));
        if let Some(workspace) = app.workspace.take() {
            state.begin_with(&ctx, &workspace);
        }
        Ok(Self { window, input, state, surface, title: String::new(), occluded: false })
    }
}

impl AppWindow {
    /// Takes what is asked by whoever reads the window to those who cannot see it.
    fn handle_accessibility(&mut self, event: accesskit_winit::Event) {
        use accesskit_winit::WindowEvent;
        match event.window_event {
            WindowEvent::InitialTreeRequested => self.input.egui_ctx().enable_accesskit(),
            WindowEvent::ActionRequested(request) => self.input.on_accesskit_action_request(request),
            WindowEvent::AccessibilityDeactivated => self.input.egui_ctx().disable_accesskit(),
        }
        self.window.request_redraw();
    }
}

impl ApplicationHandler<AppEvent> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window.is_some() {
            return;
        }
        match AppWindow::new(event_loop, self) {
            Ok(open) => {
                open.window.request_redraw();
                self.window = Some(open);
            }
            Err(error) => {
                self.failure = Some(error);
                event_loop.exit();
            }
        }
    }

    fn new_events(&mut self, _: &ActiveEventLoop, cause: StartCause) {
        if let StartCause::ResumeTimeReached { .. } = cause {
            self.wake = None;
            self.request_redraw();
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, event: AppEvent) {
        let Some(open) = &mut self.window else { return };
        let event = match event {
            AppEvent::Accessibility(event) => return open.handle_accessibility(event),
            event => event,
        };
        match open.state.handle(open.input.egui_ctx(), event) {
            Ok(Duration::ZERO) => open.window.request_redraw(),
            Ok(pause) => {
                let soon = Instant::now() + pause;
                self.wake = Some(self.wake.map_or(soon, |wake| wake.min(soon)));
            }
            Err(error) => {
                self.failure = Some(error.into());
                event_loop.exit();
            }
        }
        let title = open.state.title();
        if title != open.title {
            open.window.set_title(&title);
            open.title = title;
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(open) = &mut self.window else { return };
        match &event {
            WindowEvent::CloseRequested => return event_loop.exit(),
            // By force. Nothing may be asked of it any more.
            WindowEvent::Destroyed => {
                self.close();
                return event_loop.exit();
            }
            WindowEvent::RedrawRequested => return self.frame(event_loop),
            WindowEvent::Resized(size) => open.surface.resize(size.width, size.height),
            WindowEvent::Occluded(occluded) => open.occluded = *occluded,
            _ => {}
        }
        if open.input.on_window_event(&open.window, &event).repaint {
            open.window.request_redraw();
        }
    }

    fn device_event(
        &mut self,
        _: &ActiveEventLoop,
        _: winit::event::DeviceId,
        event: winit::event::DeviceEvent,
    ) {
        if let (Some(open), winit::event::DeviceEvent::MouseMotion { delta }) = (&mut self.window, event)
            && open.input.on_mouse_motion(delta)
        {
            open.window.request_redraw();
        }
    }

    fn exiting(&mut self, _: &ActiveEventLoop) {
        self.close();
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        event_loop.set_control_flow(self.wake.map_or(ControlFlow::Wait, ControlFlow::WaitUntil));
    }
}

impl App {
    /// Lets go of the window while the display is still there: the window and its surface first, then,
    /// at rest, the device and whoever uploads to it.
    fn close(&mut self) {
        let Some(open) = self.window.take() else { return };
        let AppWindow { window, input, state, surface, .. } = open;
        let gpu = Arc::clone(&surface.painter.gpu);
        gpu.wait();
        state.save_settings();
        drop((surface, input, window));
        drop(state);
        gpu.wait();
    }

    fn request_redraw(&self) {
        if let Some(open) = &self.window {
            open.window.request_redraw();
        }
    }

    /// One frame: input → panels → scene, if it changed → picture.
    fn frame(&mut self, event_loop: &ActiveEventLoop) {
        let Some(open) = &mut self.window else { return };
        let size = open.window.inner_size();
        if size.width == 0 || size.height == 0 || open.occluded {
            return;
        }
        let ctx = open.input.egui_ctx().clone();
        let input = open.input.take_egui_input(&open.window);
        let size = open.surface.size();
        let output = frame::frame(&ctx, input, &mut open.state, &mut open.surface.painter, size);
        let presented = open.surface.present(output.jobs);
        open.input.handle_platform_output_with_event_loop(&open.window, event_loop, output.platform);
        for command in output.viewport.iter().flat_map(|viewport| &viewport.commands) {
            match command {
                egui::ViewportCommand::Close => event_loop.exit(),
                egui::ViewportCommand::Fullscreen(full) => {
                    open.window.set_fullscreen(full.then_some(Fullscreen::Borderless(None)));
                }
                _ => {}
            }
        }
        let delay = output.viewport.map(|viewport| viewport.repaint_delay);
        self.wake = None;
        match delay {
            _ if !presented => open.window.request_redraw(),
            Some(delay) if delay.is_zero() => open.window.request_redraw(),
            Some(delay) => self.wake = Instant::now().checked_add(delay),
            None => {}
        }
    }
}
