"""The Horizon plug-in: My Images, tasks, and the Image action of an instance."""
