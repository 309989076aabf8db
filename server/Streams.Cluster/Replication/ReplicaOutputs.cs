namespace Streams.Cluster;

/// <summary>What a replica wants done, in the order in which it must be done.</summary>
public abstract record ReplicaOutput;

/// <summary>The promise not to take frames of earlier epochs is to be durable before anything that follows is done.</summary>
/// <param name="Epoch">The epoch.</param>
public sealed record PromiseOutput(long Epoch) : ReplicaOutput;

/// <summary>The log is to be cut behind a number.</summary>
/// <param name="Last">The last that stays.</param>
public sealed record CutOutput(long Last) : ReplicaOutput;

/// <summary>Records of the frame at hand are to be appended, and flushed.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="Epoch">The epoch in which they were numbered.</param>
public sealed record WriteOutput(long First, long Last, long Epoch) : ReplicaOutput;

/// <summary>A frame is to be sent; one with records takes their bodies along.</summary>
/// <param name="To">To whom.</param>
/// <param name="Frame">The frame.</param>
public sealed record SendOutput(NodeName To, ReplicaFrame Frame) : ReplicaOutput;

/// <summary>The catalog is to be changed from the epoch before to this one.</summary>
/// <param name="Config">The new configuration.</param>
public sealed record ProposeOutput(ContainerConfig Config) : ReplicaOutput;

/// <summary>Everything up to a number is committed.</summary>
/// <param name="Number">The number.</param>
public sealed record CommitOutput(long Number) : ReplicaOutput;
