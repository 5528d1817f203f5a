"""What visitors and callers touch: media, service, page, command line."""

import models  # noqa: F401  (says how torch's threads wait, before torch is loaded)
