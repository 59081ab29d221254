"""HistFactory models of any workspace: fits of one experiment and of many at once, and what follows from them."""

from resonaut.fit.histfactory.files import read_workspace
from resonaut.fit.histfactory.fits import Fit, Fits, fit, fit_many, toys
from resonaut.fit.histfactory.model import Model
from resonaut.fit.histfactory.specification import Workspace, WorkspaceError

__all__ = ["Fit", "Fits", "Model", "Workspace", "WorkspaceError", "fit", "fit_many", "read_workspace", "toys"]
