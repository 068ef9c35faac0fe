"""What only the superuser may do: roles, databases, grants, publications and slots."""
