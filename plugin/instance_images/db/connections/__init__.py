"""How connections to each kind of database are made, how long they wait, how they are used."""
