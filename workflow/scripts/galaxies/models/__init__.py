"""Network architectures as pure `torch.nn.Module`s, one module per family."""
