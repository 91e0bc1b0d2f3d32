"""The environment variables by which `harness dashboard` tells its pages what to do."""

from __future__ import annotations

RUNS = "HARNESS_DASHBOARD_RUNS"
"""The folder of runs, a path or a URI."""
PASSWORD = "HARNESS_DASHBOARD_PASSWORD"
"""The password; empty: none is asked for."""
IDENTITY = "HARNESS_DASHBOARD_IDENTITY_HEADER"
"""The request header by which a proxy tells who looks; empty: nobody is asked."""
READ_ONLY = "HARNESS_DASHBOARD_READ_ONLY"
"""Not empty: no page may write (promote, roll back, label)."""
