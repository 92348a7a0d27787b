"""The Director's sidecar: loads every model of the models lock and works on its tensors."""
