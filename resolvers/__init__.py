"""What happens when a client asks: one module per noun, one class per root."""
