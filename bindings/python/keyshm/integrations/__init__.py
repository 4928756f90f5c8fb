# SPDX-License-Identifier: MIT
"""keyshm in other libraries. Each module is imported by itself: httpx, requests, blarify."""
