// Some tests start servers: side by side they would starve each other on a small machine and prove less.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
