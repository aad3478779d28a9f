//! Opening runs and stored views while the window is open.

use std::path::{Path, PathBuf};

use super::files;
use super::follow;
use super::run::{Run, names};
use super::state::AppState;
use crate::model::columns::MAX_COLUMNS;
use crate::model::workspace::{ColumnView, Workspace};

impl AppState {
    /// Opens the files that were dropped on the window in this frame, and the workspace that was pasted.
    pub(super) fn open_dropped_and_pasted(&mut self, ctx: &egui::Context) {
        let (dropped, beside) = ctx.input(|input| (input.raw.dropped_files.clone(), input.modifiers.shift));
        for (index, path) in dropped.iter().map(|file| file.path()).enumerate() {
            self.open(ctx, path, beside || index > 0);
        }
        if ctx.memory(|memory| memory.focused()).is_some_and(|id| !self.columns.is_scene(id)) {
            return;
        }
        let pasted = ctx.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
        });
        if let Some(text) = pasted {
            match Workspace::parse(&text) {
                Ok(workspace) => self.open_workspace(ctx, workspace),
                Err(error) => self.notify(ctx, format!("What was pasted is no view: {error}")),
            }
        }
    }

    /// Opens `path`: a stored view or a run. A run replaces the columns, or gets a column of its own if
    /// `beside`.
    pub(super) fn open(&mut self, ctx: &egui::Context, path: &Path, beside: bool) {
        if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            match files::read_view(path) {
                Ok(workspace) => self.open_workspace(ctx, workspace),
                Err(error) => self.notify(ctx, format!("{error:#}")),
            }
            return;
        }
        let run = self.open_run(path);
        let mut workspace = self.columns.workspace(&self.runs);
        let column = ColumnView::new(run);
        if beside {
            if workspace.columns.len() >= MAX_COLUMNS {
                return self.notify(ctx, "There is no room for another column");
            }
            workspace.columns.push(column);
        } else {
            workspace.columns = vec![column];
        }
        workspace.active = workspace.columns.len() - 1;
        self.restore(ctx, Some(workspace));
    }

    /// Opens the runs of a workspace, and shows its views.
    fn open_workspace(&mut self, ctx: &egui::Context, mut workspace: Workspace) {
        let indices: Vec<usize> = workspace.runs.iter().map(|path| self.open_run(Path::new(path))).collect();
        let index = |run: usize| indices.get(run).copied().unwrap_or(0);
        for column in &mut workspace.columns {
            column.run = index(column.run);
            if let Some(view) = &mut column.view {
                view.query.run_b = view.query.run_b.map(index);
            }
        }
        self.restore(ctx, Some(workspace));
    }

    /// Returns the index of the run at `path`; adds it to the runs of the window if it is not among them.
    fn open_run(&mut self, path: &Path) -> usize {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let wanted = absolute(path);
        if let Some(run) = self.runs.iter().position(|run| absolute(&run.path) == wanted) {
            return run;
        }
        let index = self.runs.len();
        self.runs.push(Run::new(path.to_owned(), String::new()));
        let paths: Vec<PathBuf> = self.runs.iter().map(|run| run.path.clone()).collect();
        for (run, name) in self.runs.iter_mut().zip(names(&paths)) {
            run.name = name;
        }
        self.watches.push(follow::follow_run(index, path, &self.send));
        index
    }
}
