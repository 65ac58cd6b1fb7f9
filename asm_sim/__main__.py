"""``python -m asm_sim`` is ``asm-sim``."""

from asm_sim.cli.main import main

if __name__ == "__main__":
    main()
