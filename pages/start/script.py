"""What Streamlit runs for every page view.

It stands alone in its folder because Streamlit puts that folder first on the import path: beside the pages,
their modules would be taken for libraries of the same name.
"""

from pages.navigation import main

main()
