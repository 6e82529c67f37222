"""What MkDocs calls while it builds the site; see the modules beside this one."""

from pathlib import Path

import equations
import generated
import repository
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the repository that pages link to."""
    root = _root(config)
    linked: set[str] = set()
    for file in files.documentation_pages():
        linked |= repository.linked(generated.expanded(file.content_string, root))
    for path in sorted(linked):
        uri = repository.uri(path)
        content = repository.page(root, path)
        if content is not None:
            files.append(File.generated(config, uri, content=content))
        elif (root / path).is_file():
            files.append(File.generated(config, uri, abs_src_path=str(root / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put in what is generated, and lead links to the repository to its files in the site."""
    if repository.is_ours(page.file.src_uri):
        return markdown
    return repository.redirected(generated.expanded(markdown, _root(config)))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Equations in MathML."""
    return equations.rendered(html)


def _root(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).parent
