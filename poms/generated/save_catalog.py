from typing import Literal, Union

from pydantic import Field

from .base_model import BaseModel


class SaveCatalog(BaseModel):
    save_catalog: Union[
        "SaveCatalogSaveCatalogCatalog",
        "SaveCatalogSaveCatalogNotFound",
        "SaveCatalogSaveCatalogNotPermitted",
        "SaveCatalogSaveCatalogTryAgainLater",
        "SaveCatalogSaveCatalogIdempotencyKeyReused",
        "SaveCatalogSaveCatalogInvalid",
    ] = Field(alias="saveCatalog", discriminator="typename__")


class SaveCatalogSaveCatalogCatalog(BaseModel):
    typename__: Literal["Catalog"] = Field(alias="__typename")
    id: str


class SaveCatalogSaveCatalogNotFound(BaseModel):
    typename__: Literal["NotFound"] = Field(alias="__typename")
    message: str


class SaveCatalogSaveCatalogNotPermitted(BaseModel):
    typename__: Literal["NotPermitted"] = Field(alias="__typename")
    message: str


class SaveCatalogSaveCatalogTryAgainLater(BaseModel):
    typename__: Literal["TryAgainLater"] = Field(alias="__typename")
    message: str


class SaveCatalogSaveCatalogIdempotencyKeyReused(BaseModel):
    typename__: Literal["IdempotencyKeyReused"] = Field(alias="__typename")
    message: str


class SaveCatalogSaveCatalogInvalid(BaseModel):
    typename__: Literal["Invalid"] = Field(alias="__typename")
    message: str


SaveCatalog.model_rebuild()
