from .base_model import BaseModel


class Head(BaseModel):
    head: str
