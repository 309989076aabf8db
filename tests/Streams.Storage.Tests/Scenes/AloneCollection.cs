namespace Streams.Storage.Tests;

/// <summary>Tests that weigh the memory of this process: what others use meanwhile would count as theirs.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
