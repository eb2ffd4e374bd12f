"""A result as table, CSV, JSON, page, pictures, structured report; a report's rows as files."""
