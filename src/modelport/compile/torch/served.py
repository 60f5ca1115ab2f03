"""Runs a torch module whose code and weights lie beside it. This file goes into bundles."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file


class Served:
    """What the module's forward answers, in evaluation mode and without gradients."""

    def load(self) -> None:
        """The module, made anew by its class, with the weights that it had."""
        folder = Path(__file__).parent
        known = json.loads((folder / "torch_served.json").read_text())
        home, _, name = known["module"].partition(":")
        self.net = getattr(import_module(home), name)(**known["arguments"])
        self.net.load_state_dict(load_file(folder / "weights.safetensors"))
        self.net.eval()
        floats = (each.dtype for each in self.net.state_dict().values() if each.is_floating_point())
        self.dtype = next(floats, torch.float32)

    def predict(self, inputs: Any) -> Any:
        """One answer per row; columns and tensors go to forward's parameters by name."""
        with torch.inference_mode():
            if isinstance(inputs, dict):
                return _plain(self.net(**{name: self._tensor(values) for name, values in inputs.items()}))
            return _plain(self.net(self._tensor(inputs)))

    def _tensor(self, values: Any) -> Any:
        tensor = torch.from_numpy(values)
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor


def _plain(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: _plain(values) for name, values in answer.items()}
    if isinstance(answer, tuple | list):
        return {f"output_{place}": _plain(values) for place, values in enumerate(answer)}
    return answer.numpy()
