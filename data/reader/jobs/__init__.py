"""The jobs that a reader can do, one module each, as the reader does them: one file in, a checked answer out.

Each has ``read(folder, order, tell)``, which returns an ``Answer`` of the form that `data.reader.files`
expects. What is wrong with a file is raised as the functions of `data.ingest` raise it.
"""
