"""An untrained Keras network of the shipped model's make, for comparing the time that it takes."""

from typing import Any

from lss_cli.model.find import find_model
from lss_cli.model.session import load_model
from lss_cli.training.backend import load_backend


def like_the_shipped() -> Any:
    """The mean of five small networks and five short MobileNets (docs/default-model.md)."""
    load_backend()
    from lss_cli.training.networks import build_network, mean_of_networks
    from lss_cli.training.options import TrainingOptions

    spec = load_model(find_model("default")).metadata.input
    kinds = [
        TrainingOptions(),
        TrainingOptions(backbone="mobilenet", weights="none", until="conv_pw_9_relu"),
    ]
    return mean_of_networks([build_network(kind, spec) for kind in kinds for _ in range(5)])
