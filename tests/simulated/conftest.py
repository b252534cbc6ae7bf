from tests.simulated.nvml.fixtures import drivers

__all__ = ["drivers"]
