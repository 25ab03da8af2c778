"""The small services, on Starlette: pages for the team on its own machine."""
