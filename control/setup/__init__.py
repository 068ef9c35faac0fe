"""What only the superuser may: roles, databases, grants, publications and slots."""
