"""What is said once everything answers. Pure."""

from __future__ import annotations

import shlex

from tools.up.parts import Ports, url

_CONFIG, _ADMIN_PORT = "routes.yaml", 9000
"""What the command assumes unless it is told."""
_TEXT = """
Figueira is up. Ctrl-C stops everything.

  customers' URL  {customers}
  the shop        {customers}/loja
  admin           {admin}
  change feed     {changes}

Three things to try in another terminal, in this folder:

1. Create a product. The monolith answers.

   curl {customers}/products -H 'Content-Type: application/json' \\
     -d '{{"name": "Caneca", "price": 19.9}}'

2. Order an image and fetch its file. The monolith takes about two seconds for it.

   file=$(curl -s {customers}/images -H 'Content-Type: application/json' \\
     -d '{{"prompt": "uma praia"}}' | sed 's/.*"url": *"\\([^"]*\\)".*/\\1/')
   curl -so praia.png "{customers}$file" && echo "$file is in praia.png"

3. Flip: from now on the image service makes all new images. Then do 2 again.

   {figueira} set images image_service=100{options}

   The old images stay where they are. To take it back: {figueira} undo{options}

"""


def banner(ports: Ports, config: str, figueira: str) -> str:
    """The addresses and three things to paste, each of them whole lines of shell.

    Args:
        ports: Where everything listens.
        config: The path of routes.yaml.
        figueira: The path of the command.
    """
    options = []
    if config != _CONFIG:
        options += ["--config", config]
    if ports.admin != _ADMIN_PORT:
        options += ["--admin", url(ports.admin)]
    return _TEXT.format(
        customers=url(ports.customers),
        admin=url(ports.admin),
        changes=f"{url(ports.changes)}/changes",
        figueira=shlex.quote(figueira),
        options="".join(f" {shlex.quote(word)}" for word in options),
    )
