"""The only room that speaks SQL: the pool, the migrations and one module per noun."""
