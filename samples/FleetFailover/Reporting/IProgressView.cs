namespace FleetFailover;

/// <summary>Shows a run while it goes on.</summary>
internal interface IProgressView
{
    /// <summary>Shows figures until cancelled; never throws for that.</summary>
    Task ShowAsync(Func<FleetFigures> figures, CancellationToken cancellationToken);
}
