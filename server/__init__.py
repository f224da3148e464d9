"""What the server puts around the pages: names, headers, uploads, files, routes."""
