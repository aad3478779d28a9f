//! The window: handles winit's events, and lays out and paints frames. Its thread never waits for files.

#![warn(missing_docs)]

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
mod open;
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
pub(crate) use self::files::read_view;
use self::paint::surface::WindowSurface;
pub(crate) use self::run::names;
use self::settings::Settings;
use self::state::AppState;
use crate::format::watch::RunWatcher;
use crate::model::Selection;
use crate::model::workspace::Workspace;
use crate::ui::style;

/// Size of a new window, in points.
const WINDOW_SIZE: LogicalSize<f64> = LogicalSize::new(1280.0, 800.0);

/// Share of the width and height of a monitor that a new window takes at most: bars and frames take the rest.
const USABLE: f64 = 0.92;

/// Returns the size of a new window, in points, that fits on the primary monitor or else the first one.
fn window_size(event_loop: &ActiveEventLoop) -> LogicalSize<f64> {
    let monitor = event_loop.primary_monitor().or_else(|| event_loop.available_monitors().next());
    let size = monitor.map(|monitor| monitor.size().to_logical::<f64>(monitor.scale_factor()));
    size.filter(|size| size.width > 0.0 && size.height > 0.0).map_or(WINDOW_SIZE, |size| {
        LogicalSize::new(
            WINDOW_SIZE.width.min(USABLE * size.width),
            WINDOW_SIZE.height.min(USABLE * size.height),
        )
    })
}

/// The reason why [`run`] returned.
pub enum WindowExit {
    /// The window was closed.
    Closed,
    /// There is no display to open a window on, with the reason.
    NoDisplay(String),
}

/// Opens a window with a column for each of the runs at `paths`, which need not exist yet, and returns when
/// it is closed. The runs are followed while they are written. With a `workspace`, `paths` are those of its
/// runs, and the window shows its views.
///
/// # Errors
/// If no graphics driver can draw into a window, or if none of the paths can ever become a recording: then
/// the window closes at once.
pub fn run(
    paths: Vec<PathBuf>,
    workspace: Option<Workspace>,
    select: Option<Selection>,
) -> Result<WindowExit> {
    let event_loop = match EventLoop::<AppEvent>::with_user_event().build() {
        Ok(event_loop) => event_loop,
        Err(error) => {
            // Winit's text begins with a place in its source code, which is left out.
            let text = error.to_string();
            let reason = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches('.');
            return Ok(WindowExit::NoDisplay(reason.to_owned()));
        }
    };
    let proxy = event_loop.create_proxy();
    let accessibility = proxy.clone();
    let send: EventSender = Arc::new(move |event| {
        // Fails only when the window is closed.
        let _ = proxy.send_event(event);
    });
    let watches = follow::follow_runs(&paths, &send);
    let mut app = App {
        paths,
        watches,
        workspace,
        select,
        send,
        accessibility,
        window: None,
        failure: None,
        wake: None,
    };
    event_loop.run_app(&mut app)?;
    app.failure.map_or(Ok(WindowExit::Closed), Err)
}

/// The handler of the event loop.
struct App {
    paths: Vec<PathBuf>,
    /// Followers of the runs; moved to the window when it opens.
    watches: Vec<RunWatcher>,
    /// The workspace to show; moved to the window when it opens.
    workspace: Option<Workspace>,
    /// The inputs that the first column shows at first; moved to the window when it opens.
    select: Option<Selection>,
    send: EventSender,
    /// Takes the requests of assistive technology.
    accessibility: EventLoopProxy<AppEvent>,
    window: Option<AppWindow>,
    /// The error that closed the window.
    failure: Option<anyhow::Error>,
    /// Time at which a frame is due even without events.
    wake: Option<Instant>,
}

/// The open window.
struct AppWindow {
    window: Arc<Window>,
    input: egui_winit::State,
    state: AppState,
    surface: WindowSurface,
    /// The title that was set last.
    title: String,
    /// `true` while no part of the window is visible.
    occluded: bool,
}

impl AppWindow {
    /// Opens a window; takes over the runs and the workspace of `app`.
    fn new(event_loop: &ActiveEventLoop, app: &mut App) -> Result<Self> {
        let attributes = Window::default_attributes()
            .with_title("dnnviz")
            .with_inner_size(window_size(event_loop))
            .with_visible(false);
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
        input.init_accesskit(event_loop, &window, app.accessibility.clone());
        window.set_visible(true);
        let watches = std::mem::take(&mut app.watches);
        let gpu = Arc::clone(&surface.painter.gpu);
        let mut state = AppState::new(&app.paths, watches, gpu, Arc::clone(&app.send), Some(settings));
        state.columns_mut().first_select = app.select.take();
        if let Some(workspace) = app.workspace.take() {
            state.begin_with(&ctx, &workspace);
        }
        Ok(Self { window, input, state, surface, title: String::new(), occluded: false })
    }
}

impl AppWindow {
    /// Handles a request of assistive technology.
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
            Ok(app_window) => {
                app_window.window.request_redraw();
                self.window = Some(app_window);
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
        let Some(app_window) = &mut self.window else { return };
        let event = match event {
            AppEvent::Accessibility(event) => return app_window.handle_accessibility(event),
            event => event,
        };
        match app_window.state.handle(app_window.input.egui_ctx(), event) {
            Ok(Duration::ZERO) => app_window.window.request_redraw(),
            Ok(pause) => {
                let due = Instant::now() + pause;
                self.wake = Some(self.wake.map_or(due, |wake| wake.min(due)));
            }
            Err(error) => {
                self.failure = Some(error.into());
                event_loop.exit();
            }
        }
        let title = app_window.state.title();
        if title != app_window.title {
            app_window.window.set_title(&title);
            app_window.title = title;
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(app_window) = &mut self.window else { return };
        match &event {
            WindowEvent::CloseRequested => return event_loop.exit(),
            // Closed by the system: the window must not be used any more.
            WindowEvent::Destroyed => {
                self.close();
                return event_loop.exit();
            }
            WindowEvent::RedrawRequested => return self.draw_frame(event_loop),
            WindowEvent::Resized(size) => app_window.surface.resize(size.width, size.height),
            WindowEvent::Occluded(occluded) => app_window.occluded = *occluded,
            _ => {}
        }
        if app_window.input.on_window_event(&app_window.window, &event).repaint {
            app_window.window.request_redraw();
        }
    }

    fn device_event(
        &mut self,
        _: &ActiveEventLoop,
        _: winit::event::DeviceId,
        event: winit::event::DeviceEvent,
    ) {
        if let (Some(app_window), winit::event::DeviceEvent::MouseMotion { delta }) =
            (&mut self.window, event)
            && app_window.input.on_mouse_motion(delta)
        {
            app_window.window.request_redraw();
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
    /// Closes the window while the display is still connected: drops the surface and the window first, then,
    /// while the device is idle, the threads that upload to it.
    fn close(&mut self) {
        let Some(app_window) = self.window.take() else { return };
        let AppWindow { window, input, state, surface, .. } = app_window;
        let gpu = Arc::clone(&surface.painter.gpu);
        gpu.wait();
        state.save_settings();
        drop((surface, input, window));
        drop(state);
        gpu.wait();
    }

    fn request_redraw(&self) {
        if let Some(app_window) = &self.window {
            app_window.window.request_redraw();
        }
    }

    /// Draws one frame: lays it out, paints what changed, and presents it.
    fn draw_frame(&mut self, event_loop: &ActiveEventLoop) {
        let Some(app_window) = &mut self.window else { return };
        let size = app_window.window.inner_size();
        if size.width == 0 || size.height == 0 || app_window.occluded {
            return;
        }
        let ctx = app_window.input.egui_ctx().clone();
        // Commands toggle the state of the window as it is: window managers change it as well.
        let viewports = &mut app_window.input.egui_input_mut().viewports;
        viewports.entry(egui::ViewportId::ROOT).or_default().fullscreen =
            Some(app_window.window.fullscreen().is_some());
        let input = app_window.input.take_egui_input(&app_window.window);
        let size = app_window.surface.size();
        let output = frame::frame(&ctx, input, &mut app_window.state, &mut app_window.surface.painter, size);
        let presented = app_window.surface.present(output.jobs);
        app_window.input.handle_platform_output_with_event_loop(
            &app_window.window,
            event_loop,
            output.platform,
        );
        for command in output.viewport.iter().flat_map(|viewport| &viewport.commands) {
            match command {
                egui::ViewportCommand::Close => event_loop.exit(),
                egui::ViewportCommand::Fullscreen(full) => {
                    app_window.window.set_fullscreen(full.then_some(Fullscreen::Borderless(None)));
                }
                _ => {}
            }
        }
        let delay = output.viewport.map(|viewport| viewport.repaint_delay);
        self.wake = None;
        match delay {
            _ if !presented => app_window.window.request_redraw(),
            Some(delay) if delay.is_zero() => app_window.window.request_redraw(),
            Some(delay) => self.wake = Instant::now().checked_add(delay),
            None => {}
        }
    }
}
