"""VAE-QR: jets that an autoencoder of constituents reproduces badly."""

from typing import Literal

from resonaut.core.record import key, record
from resonaut.learn.autoencoder import settings as autoencoders
from resonaut.select.catalogue import REGRESSED, Entry


@record
class VaeQrSettings:
    """The method `vae_qr`: leading constituents of a jet, and the two jets' losses as one."""

    constituents: int = key(
        "Constituents of a jet, by falling transverse momentum, that the autoencoder sees.", default=30, ge=1
    )
    combination: Literal["minimum", "sum"] = key("How the losses of the two jets become one number.", default="minimum")
    autoencoder: autoencoders.Constituents = key("The variational autoencoder of a jet's constituents.", default={})


METHODS = {"vae_qr": Entry("method.VaeQr", REGRESSED, VaeQrSettings, candidates=True)}
