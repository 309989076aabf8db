// Every test here starts servers of its own: side by side they would starve each other on a small machine and prove less.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
