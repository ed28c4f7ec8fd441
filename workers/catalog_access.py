"""With what an outside catalog is asked: what is recorded of it, and the credential in its experiment's folder."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from catalogs import CatalogSignInRefused, CatalogUnavailable
from catalogs.opening import CatalogAccess
from db.files.catalogs import Catalog
from db.people import experiments
from db.setup import credentials
from db.setup.credentials import Credential, CredentialLocation
from domain.setup.credentials import CredentialKind, CredentialUnusable
from lanes import LaneUnavailable
from workers.tools import WorkerTools

_T = TypeVar("_T")


async def find_access(tools: WorkerTools, catalog: Catalog) -> CatalogAccess:
    """How a catalog is asked now; raises CatalogUnavailable, or CatalogSignInRefused for its credential."""
    (experiment,) = await experiments.find_by_ids(tools.db, [catalog.experiment_id])
    access = CatalogAccess(
        catalog.id, experiment.name, catalog.name, catalog.kind, catalog.url, catalog.settings
    )
    if catalog.credential_id is None:
        return access
    (credential,) = await credentials.find_by_ids(tools.db, [catalog.credential_id])
    if credential.kind is CredentialKind.PROXY:
        return replace(access, tls=await _read_certificate(tools, credential))
    return replace(
        access,
        read_secret=partial(_read_secret, tools, credential),
        has_password=credential.kind is CredentialKind.PASSWORD,
    )


async def _read_secret(tools: WorkerTools, credential: Credential) -> str:
    """The token or password as it is now: it may have been renewed since it was refused."""
    content = await _read_vault(tools, credential, tools.vault.read)
    return content.decode(errors="replace").strip()


async def _read_certificate(tools: WorkerTools, credential: Credential) -> ssl.SSLContext:
    def read(lying: CredentialLocation) -> ssl.SSLContext:
        place = tools.vault.place(lying)
        context = ssl.create_default_context()
        try:
            context.load_cert_chain(place)
        except (OSError, ssl.SSLError) as error:
            raise CredentialUnusable(f"{lying.path} is no certificate with its key.") from error
        return context

    return await _read_vault(tools, credential, read)


async def _read_vault(
    tools: WorkerTools, credential: Credential, read: Callable[[CredentialLocation], _T]
) -> _T:
    lying = await credentials.find_location(tools.db, credential.id)
    assert lying is not None  # noqa: S101 - a foreign key says so
    try:
        return await tools.lanes.credentials.call(lambda: read(lying))
    except CredentialUnusable as error:
        raise CatalogSignInRefused(f"Credential {credential.name}: {error}") from error
    except LaneUnavailable as error:
        raise CatalogUnavailable(f"The folder of credentials does not answer: {error}.") from error
