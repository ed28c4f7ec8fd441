"""The campaign file: POMS's `.ini`, read and written without loss (docs/campaign-file.md)."""
