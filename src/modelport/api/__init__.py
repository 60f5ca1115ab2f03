"""The control plane over HTTP: one router per noun, one layer that says who may."""
